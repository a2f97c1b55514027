"""AnoDDPM: denoising diffusion with simplex noise."""
