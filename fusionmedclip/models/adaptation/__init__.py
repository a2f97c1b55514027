"""What is trained beside or inside a frozen tower: adapters (Eq. 4-5, 9-11) and LoRA (Eq. 8)."""
