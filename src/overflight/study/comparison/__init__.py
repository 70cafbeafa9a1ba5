"""What a change of policy does: two policies over one territory, side by side."""
