"""What every service stands on. No business noun may enter here."""
