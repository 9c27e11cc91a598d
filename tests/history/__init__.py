"""What databases of earlier releases look like; upgrades start from them."""
