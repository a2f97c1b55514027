"""SQUID: inpainting from a memory queue, judged by a discriminator."""
