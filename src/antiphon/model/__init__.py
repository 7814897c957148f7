"""Types that two or more packages share; no input or output."""
