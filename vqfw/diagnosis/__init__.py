"""Why a codebook collapsed: what a run recorded, rules over it, and a verdict in words."""
