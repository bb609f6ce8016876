"""What the pages read, where one page's question crosses the apps. Numbers out, no look."""
