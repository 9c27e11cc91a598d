"""Random lives of orders: five services in this process, a plain model, and what must hold."""
