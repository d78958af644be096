"""The JSON device store: malformed, hand-edited, pending-shaped, contradictory."""
