"""The site: settings, processes, and the two faces (API and dashboard)."""
