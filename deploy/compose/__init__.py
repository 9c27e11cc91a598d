"""What containers of `docker compose` run beside the services."""
