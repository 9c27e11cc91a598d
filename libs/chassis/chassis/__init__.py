"""What every service stands on. No business noun may enter here (style.md 2.2)."""
