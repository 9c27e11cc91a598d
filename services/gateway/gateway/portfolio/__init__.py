"""The customer read model: fed by events alone, read in one indexed query."""
