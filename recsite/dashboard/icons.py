"""Line icons, as SVG shapes for a viewBox of 16 × 16 (stroke 1.5, no fill; see ``.icon`` in console.css)."""

from __future__ import annotations

ICONS: dict[str, str] = {
    "overview": ('<path d="M2 9.500 8 3l6 6.500M4 8v5.500h8V8"/>'),
    "placements": (
        '<rect x="2" y="2.500" width="12" height="4" rx="1"/>'
        '<rect x="2" y="9.500" width="5" height="4" rx="1"/>'
        '<rect x="9" y="9.500" width="5" height="4" rx="1"/>'
    ),
    "preview": (
        '<path d="M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8z"/>'
        '<circle cx="8" cy="8" r="2"/>'
    ),
    "rules": ('<path d="M3 4.500h10M3 8h6M3 11.500h8"/><circle cx="12.500" cy="8" r="1.500"/>'),
    "experiments": (
        '<path d="M5.500 2h5M6.500 2v4.300L3 12.400c-.5.900 0 1.600 1 1.600h8c1 0 1.500-.7 1-1.600L9.500 6.300V2"/>'
        '<path d="M4.800 9.800h6.400"/>'
    ),
    "shoppers": (
        '<circle cx="8" cy="5.500" r="2.700"/>'
        '<path d="M2.800 13.500c.6-3 2.600-4.300 5.200-4.300s4.600 1.300 5.200 4.300"/>'
    ),
    "products": ('<path d="M8 1.800 13.500 5v6L8 14.200 2.500 11V5zM2.500 5 8 8.200 13.500 5M8 8.200v6"/>'),
    "feedback": ('<path d="M2 13.500V7M6 13.500V3M10 13.500V9M14 13.500V5.500"/>'),
    "models": (
        '<circle cx="3.500" cy="4" r="1.500"/>'
        '<circle cx="3.500" cy="12" r="1.500"/>'
        '<circle cx="12.500" cy="8" r="1.500"/>'
        '<path d="m5 4.600 6 2.800M5 11.400l6-2.800"/>'
    ),
    "data": (
        '<ellipse cx="8" cy="4" rx="5" ry="2"/>'
        '<path d="M3 4v8c0 1.100 2.200 2 5 2s5-.9 5-2V4M3 8c0 1.100 2.200 2 5 2s5-.9 5-2"/>'
    ),
    "settings": (
        '<path d="M2 5h7M12 5h2M2 11h2M7 11h7"/>'
        '<circle cx="10.500" cy="5" r="1.500"/>'
        '<circle cx="5.500" cy="11" r="1.500"/>'
    ),
    "search": ('<circle cx="7" cy="7" r="4.5"/><path d="m10.500 10.500 3 3"/>'),
    "warning": ('<path d="M8 2.500 14.500 13.500h-13zM8 6.500v3.500M8 12v.1"/>'),
    "info": ('<circle cx="8" cy="8" r="6"/><path d="M8 7.500v3.500M8 5v.1"/>'),
    "check": ('<path d="m3 8.500 3.500 3.500L13 4.500"/>'),
    "menu": ('<path d="M2.500 4.500h11M2.500 8h11M2.500 11.500h11"/>'),
    "pin": ('<path d="M6 2.500h4l-.5 4.500 2 2h-7l2-2zM8 9v4.500"/>'),
    "boost": ('<path d="M8 13V3M4 7l4-4 4 4"/>'),
    "bury": ('<path d="M8 3v10M4 9l4 4 4-4"/>'),
    "exclude": ('<circle cx="8" cy="8" r="5.500"/><path d="m4.200 4.200 7.600 7.600"/>'),
    "only": ('<path d="M2.500 3.500h11L9.500 8.500v4l-3-1.500v-2.500z"/>'),
    "spread": ('<path d="M2.500 4h4M9.500 4h4M2.500 8h4M9.500 8h4M2.500 12h4M9.500 12h4"/>'),
    "close": ('<path d="m4 4 8 8M12 4l-8 8"/>'),
}
