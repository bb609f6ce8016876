from __future__ import annotations

import gzip
import tempfile
from decimal import Decimal
from pathlib import Path
from unittest import TestCase

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from catalog.cells import Cells
from catalog.tabular import Chunk, TableError, read_table


class Folder(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, content: bytes | str, name: str = "file.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, path: Path, **options: int) -> list[Chunk]:
        _, chunks = read_table(path, required=["id"], known=["id", "title"], **options)
        return list(chunks)

    def refusal(self, content: bytes | str) -> str:
        with self.assertRaises(TableError) as caught:
            self.read(self.write(content))
        return str(caught.exception)


class CsvTests(Folder):
    def test_reads_quotes_line_breaks_and_blank_lines_with_their_line_numbers(self) -> None:
        (chunk,) = self.read(self.write('\ufeffID,title\r\n1,"a ""b"",\r\nc"\r\n\r\n2,d\r\n'))
        self.assertEqual(chunk.columns["id"].to_pylist(), ["1", "2"])
        self.assertEqual(chunk.columns["title"].to_pylist(), ['a "b",\r\nc', "d"])
        self.assertEqual(chunk.lines.tolist(), [2, 5])

    def test_reads_gzip_and_columns_in_any_order(self) -> None:
        path = self.write(gzip.compress(b"extra,id\nx,1\n"), "file.csv.gz")
        columns, chunks = read_table(path, required=["id"], known=["id", "title"])
        self.assertEqual((columns.known, columns.unknown), (("id",), ("extra",)))
        self.assertEqual(next(chunks).columns["id"].to_pylist(), ["1"])

    def test_chunks_keep_counting_lines(self) -> None:
        chunks = self.read(self.write("id\n" + "\n".join(map(str, range(25)))), chunk_rows=10)
        self.assertEqual([chunk.lines[0] for chunk in chunks], [2, 12, 22])

    def test_a_broken_line_is_a_reject_and_the_next_is_read(self) -> None:
        (chunk,) = self.read(self.write(b'id,title\n1\n2,x,y\n3,"a"b\n4,\xff\n5,fine\n'))
        self.assertEqual(chunk.columns["id"].to_pylist(), ["5"])
        found = [(reject.line, reject.code) for reject in chunk.rejects]
        self.assertEqual(found, [(2, "cell_count"), (3, "cell_count"), (4, "broken_line"), (5, "not_utf8")])

    def test_an_open_quote_is_a_reject_of_the_line_where_it_began(self) -> None:
        (chunk,) = self.read(self.write('id,title\n1,a\n2,"b\n3,c\n'))
        self.assertEqual([(reject.line, reject.code) for reject in chunk.rejects], [(3, "broken_line")])

    @given(
        st.lists(st.tuples(st.text("ab\"', \n;é", max_size=6), st.text('x,"\r\n', max_size=6)), min_size=1, max_size=8)
    )
    def test_whatever_pandas_writes_is_read_back(self, rows: list[tuple[str, str]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file.csv"
            pd.DataFrame(rows, columns=["id", "title"]).to_csv(path, index=False, lineterminator="\r\n")
            read = [chunk.columns for chunk in self.read(path)]
        cells = [
            pair
            for columns in read
            for pair in zip(columns["id"].to_pylist(), columns["title"].to_pylist(), strict=True)
        ]
        self.assertEqual(cells, rows)


class HeaderTests(Folder):
    def test_a_missing_id_says_expected_and_found(self) -> None:
        self.assertIn("expected a column 'id' in the header; found 'title', 'sku'", self.refusal("title,sku\na,b\n"))

    def test_another_separator_is_guessed_aloud(self) -> None:
        self.assertIn("this header has semicolons", self.refusal("id;title\n1;a\n"))

    def test_each_refusal_of_a_header(self) -> None:
        refused: dict[str | bytes, str] = {
            "": "is empty",
            "id,Title,title\n": "'title' more than once",
            "id," + "x" * 101: "at most 100 characters",
            "id," + ",".join(map(str, range(600))): "at most 500 columns",
            'id,"ti': "cannot be read",
            b"id,\xff\n1,a\n": "column names in UTF-8",
            "id".encode("utf-16"): "is text in UTF-16",
            b"PK\x03\x04 and more": "an archive or a spreadsheet",
        }
        for content, words in refused.items():
            with self.subTest(words):
                self.assertIn(words, self.refusal(content))

    def test_columns_without_a_name_are_left_out(self) -> None:
        columns, chunks = read_table(self.write(",id,,note,\n0,1,,x,\n"), required=["id"], known=["id"])
        self.assertEqual((columns.known, columns.unknown), (("id",), ("note",)))
        (chunk,) = chunks
        self.assertEqual(
            {name: cells.to_pylist() for name, cells in chunk.columns.items()}, {"id": ["1"], "note": ["x"]}
        )

    def test_a_cell_may_be_a_whole_page(self) -> None:
        (chunk,) = self.read(self.write(f"id,title\n1,{'x' * 200_000}\n"))
        self.assertEqual(chunk.rejects, [])

    def test_no_file_is_said(self) -> None:
        with self.assertRaisesMessage(self, "there is none at"):
            self.read(self.folder / "nowhere.csv")

    def assertRaisesMessage(self, _: object, words: str):  # type: ignore[no-untyped-def]
        return self.assertRaisesRegex(TableError, words)


class ParquetTests(Folder):
    def test_reads_types_lists_and_categories(self) -> None:
        path = self.folder / "file.parquet"
        frame = pd.DataFrame({"id": [7, 8], "title": pd.Categorical(["a", None]), "tags": [["x", "y"], None]})
        frame.to_parquet(path)
        (chunk,) = self.read(path)
        self.assertEqual(chunk.columns["id"].to_pylist(), [7, 8])
        self.assertEqual(chunk.columns["title"].to_pylist(), ["a", None])
        self.assertEqual(chunk.columns["tags"].to_pylist(), ["x|y", None])
        self.assertEqual(chunk.lines.tolist(), [2, 3])

    def test_types_of_any_kind_are_read_as_text_or_numbers(self) -> None:
        moment = pd.Timestamp("2025-01-01 10:00", tz="UTC")
        table = {
            "id": pd.array([1, None], "Int64"),
            "title": pd.array(["a", None], "string"),
            "cost": [Decimal("1.50"), None],
            "day": [moment.date(), None],
            "since": [moment, None],
            "took": [pd.Timedelta(minutes=5), None],
            "half": np.array([0.5, 1.5], np.float16),
            "place": [{"aisle": 3}, None],
        }
        path = self.folder / "file.parquet"
        pd.DataFrame(table).to_parquet(path)
        (chunk,) = self.read(path)
        cells = Cells(chunk)
        self.assertEqual(cells.text("id").to_pylist(), ["1", None])
        self.assertEqual(cells.numbers("cost").to_pylist(), [1.5, None])
        self.assertEqual(cells.text("since").to_pylist(), ["2025-01-01T10:00:00", None])
        self.assertEqual(cells.text("half").to_pylist(), ["0.5", "1.5"])
        for name in table:
            self.assertEqual(cells.text(name).type, pa.string(), name)

    def test_a_damaged_file_is_said(self) -> None:
        self.assertIn("Parquet", self.refusal(b"PAR1 and then nothing"))
