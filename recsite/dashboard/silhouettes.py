"""The 23 product silhouettes: SVG shapes for a viewBox of 100 × 100, coloured by class.

Classes: bo body, dk darker part, wh label, st stroke, lt light stroke, thick, dim (see "Product tiles" in console.css).
"""

from __future__ import annotations

# One shape a line, some of them long: a path reads no better when it is cut.
# ruff: noqa: E501
SILHOUETTES: dict[str, str] = {
    "jug": (
        '<path class="bo" d="M38 33h17c2 0 3 .6 4.200 2L67 45c2 2.500 3 4.500 3 8v26a6 6 0 0 1-6 6H36a6 6 0 0 1-6-6V50c0-3 .8-5 2-7l3-7c.8-2 1.500-3 3-3z"/>'
        '<path class="st" d="M58 42c5 3 6 7 6 14v6"/>'
        '<rect class="dk" x="37" y="23" width="18" height="8" rx="2.500"/>'
        '<rect class="wh" x="36" y="56" width="20" height="17" rx="3"/>'
    ),
    "carton": (
        '<path class="bo" d="M33 42 41 27h18l8 15v38a5 5 0 0 1-5 5H38a5 5 0 0 1-5-5z"/>'
        '<rect class="dk" x="41" y="19" width="18" height="8" rx="1.500"/>'
        '<path class="dk dim" d="M33 42h34v3H33z"/>'
        '<rect class="wh" x="39" y="53" width="22" height="19" rx="3"/>'
    ),
    "bottle": (
        '<path class="bo" d="M44 28h12v8c0 4 9 8 9 17v26a6 6 0 0 1-6 6H41a6 6 0 0 1-6-6V53c0-9 9-13 9-17z"/>'
        '<rect class="dk" x="43" y="18" width="14" height="8" rx="2"/>'
        '<path class="wh" d="M35 56h30v16H35z"/>'
    ),
    "can": (
        '<rect class="bo" x="33" y="22" width="34" height="63" rx="7"/>'
        '<rect class="dk" x="35.500" y="18" width="29" height="7" rx="3.500"/>'
        '<path class="wh" d="M33 40h34v24H33z"/>'
    ),
    "tin": (
        '<rect class="bo" x="27" y="30" width="46" height="52" rx="5"/>'
        '<rect class="dk" x="27" y="26" width="46" height="8" rx="4"/>'
        '<path class="wh" d="M27 43h46v24H27z"/>'
    ),
    "box": (
        '<rect class="bo" x="29" y="20" width="42" height="65" rx="3.500"/>'
        '<path class="dk" d="M29 23.500a3.500 3.500 0 0 1 3.500-3.500h35a3.500 3.500 0 0 1 3.500 3.500V29H29z"/>'
        '<rect class="wh" x="36" y="37" width="28" height="20" rx="3"/>'
        '<circle class="dk" cx="50" cy="70" r="7"/>'
    ),
    "bag": (
        '<path class="bo" d="M30 24h40l-2.500 8C70 44 72 60 71 78a7 7 0 0 1-7 7H36a7 7 0 0 1-7-7c-1-18 1-34 3.500-46z"/>'
        '<path class="dk" d="M30 19h40v7H30z"/>'
        '<rect class="wh" x="37" y="44" width="26" height="22" rx="11"/>'
    ),
    "tub": (
        '<path class="bo" d="M27 42h46l-5 38a6 6 0 0 1-6 5H38a6 6 0 0 1-6-5z"/>'
        '<rect class="dk" x="24" y="33" width="52" height="10" rx="4"/>'
        '<path class="wh" d="M30.500 54h39l-2 15h-35z"/>'
    ),
    "loaf": (
        '<path class="bo" d="M20 45c0-9 8-15 17-15h28c9 0 16 6 16 14 0 5-3 8-5 9v22a6 6 0 0 1-6 6H31a6 6 0 0 1-6-6V54c-3-1-5-4-5-9z"/>'
        '<path class="wh" d="M27 46c0-5 4-9 10-9s11 4 11 9c0 4-2 6-3 7v16a4 4 0 0 1-4 4h-7a4 4 0 0 1-4-4V53c-2-1-3-3-3-7z"/>'
        '<path class="st" d="M57 42v10M67 42v10"/>'
    ),
    "eggs": (
        '<ellipse class="wh" cx="35" cy="47" rx="9" ry="12"/>'
        '<ellipse class="wh" cx="65" cy="47" rx="9" ry="12"/>'
        '<ellipse class="wh" cx="50" cy="44" rx="10" ry="13"/>'
        '<path class="bo" d="M18 51h64l-5 25a6 6 0 0 1-6 5H29a6 6 0 0 1-6-5z"/>'
        '<path class="dk" d="M18 51h64l-1.500 7h-61z"/>'
    ),
    "fruit": (
        '<circle class="bo" cx="42" cy="58" r="22"/>'
        '<circle class="dk" cx="64" cy="64" r="17"/>'
        '<path class="st" d="M43 37c0-7 3-12 8-14"/>'
        '<path class="wh" d="M51 29c5-7 13-8 18-6-2 7-10 11-18 6z"/>'
        '<path class="wh dim" d="M29 52c2-6 6-9 11-10l1 3c-4 1-7 4-9 8z"/>'
    ),
    "banana": (
        '<path class="bo" d="M27 25c-3 2-3 4-1 7 2 26 18 45 44 46 6 0 9-4 7-8C58 66 42 51 35 28c-1-4-4-5-8-3z"/>'
        '<path class="dk" d="M35 28c7 23 23 38 42 42-18 0-40-14-47-39z"/>'
        '<path class="wh dim" d="M45 27c6 16 16 27 33 31 3 1 4-2 2-4C68 49 59 40 52 26z"/>'
    ),
    "leaf": (
        '<path class="bo" d="M50 20c19 9 27 24 23 40-3 13-12 20-23 21-11-1-20-8-23-21-4-16 4-31 23-40z"/>'
        '<path class="st lt" d="M50 32v54M50 52l13-10M50 64l14-10M50 52 37 42M50 64 36 54"/>'
    ),
    "tray": (
        '<rect class="wh" x="17" y="27" width="66" height="54" rx="9"/>'
        '<path class="bo" d="M27 55c0-12 11-20 25-20 13 0 22 7 22 17 0 8-6 10-13 12-8 3-11 10-20 9-8-1-14-8-14-18z"/>'
        '<circle class="wh" cx="57" cy="51" r="6"/>'
        '<path class="st" d="M37 57c3 4 6 6 10 5"/>'
    ),
    "roll": (
        '<rect class="bo" x="26" y="32" width="42" height="46" rx="6"/>'
        '<ellipse class="wh" cx="47" cy="33" rx="21" ry="9"/>'
        '<ellipse class="dk" cx="47" cy="33" rx="7" ry="3"/>'
        '<path class="wh" d="M62 44h15v38l-4-3-4 3-4-3-3 2z"/>'
    ),
    "pump": (
        '<rect class="bo" x="33" y="40" width="34" height="45" rx="8"/>'
        '<rect class="dk" x="43" y="31" width="14" height="9" rx="2"/>'
        '<path class="st thick" d="M50 31v-8h-13"/>'
        '<rect class="wh" x="39" y="52" width="22" height="20" rx="4"/>'
    ),
    "jar": (
        '<rect class="bo" x="31" y="34" width="38" height="51" rx="9"/>'
        '<rect class="dk" x="33" y="21" width="34" height="11" rx="3"/>'
        '<rect class="wh" x="31" y="47" width="38" height="22"/>'
    ),
    "berries": (
        '<circle class="bo" cx="38" cy="66" r="13"/>'
        '<circle class="dk" cx="62" cy="67" r="13"/>'
        '<circle class="bo" cx="51" cy="46" r="14"/>'
        '<path class="wh" d="M46 41h3l2-3 2 3h3l-2 3 1 3-4-1.500L47 47l1-3zM34 62h2l2-3 2 3h2l-1.500 2.500.5 2.500-3-1-3 1 .5-2.500z"/>'
    ),
    "bunch": (
        '<circle class="bo" cx="36" cy="44" r="10"/>'
        '<circle class="dk" cx="53" cy="42" r="10"/>'
        '<circle class="bo" cx="68" cy="47" r="9"/>'
        '<circle class="dk" cx="43" cy="59" r="10"/>'
        '<circle class="bo" cx="59" cy="60" r="10"/>'
        '<circle class="bo" cx="50" cy="75" r="9"/>'
        '<path class="st" d="M52 32c0-5 2-9 6-11"/>'
    ),
    "round": (
        '<circle class="bo" cx="50" cy="57" r="26"/>'
        '<path class="dk" d="M50 33c3-5 8-7 13-6-1 4-3 6-6 7 4 1 6 3 7 6-5 1-10 0-14-5-4 5-9 6-14 5 1-3 3-5 7-6-3-1-5-3-6-7 5-1 10 1 13 6z"/>'
        '<path class="wh dim" d="M32 54c1-6 5-10 10-12l1 3c-4 2-7 5-8 10z"/>'
    ),
    "bun": (
        '<path class="bo" d="M20 50c0-15 13-24 30-24s30 9 30 24z"/>'
        '<rect class="wh" x="20" y="53" width="60" height="7" rx="3.500"/>'
        '<path class="dk" d="M22 63h56c0 9-5 15-14 15H36c-9 0-14-6-14-15z"/>'
        '<path class="st lt" d="M38 40l3-2M49 35h3M60 40l-2-2"/>'
    ),
    "strawberry": (
        '<path class="bo" d="M50 84C36 78 25 62 27 49c1-8 8-12 14-12 4 0 7 1 9 3 2-2 5-3 9-3 6 0 13 4 14 12 2 13-9 29-23 35z"/>'
        '<path class="dk" d="M50 38c-6 3-13 2-17-2 5-3 10-4 14-2-1-4 0-8 3-12 3 4 4 8 3 12 4-2 9-1 14 2-4 4-11 5-17 2z"/>'
        '<path class="st lt" d="M39 52v2M50 58v2M61 52v2M44 68v2M56 68v2"/>'
    ),
    "bowl": (
        '<path class="wh" d="M24 46c4-11 14-17 26-17s22 6 26 17z"/>'
        '<circle class="dk" cx="40" cy="42" r="6"/>'
        '<circle class="dk" cx="58" cy="40" r="7"/>'
        '<path class="bo" d="M19 46h62c0 18-12 35-31 35S19 64 19 46z"/>'
    ),
}
