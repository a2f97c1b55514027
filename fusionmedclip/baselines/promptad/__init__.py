"""PromptAD: prompts learnt from normal images alone, beside a memory of their patches."""
