"""The networks: backbones, prompts, adapters, LoRA, similarity maps, and the model they make together."""
