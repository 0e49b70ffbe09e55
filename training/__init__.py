"""Makes every model file that is shipped, with its scores."""
