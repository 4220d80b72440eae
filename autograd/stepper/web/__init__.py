"""The stepper in a browser: one ES module, and the page, notebook output and widget around it."""
