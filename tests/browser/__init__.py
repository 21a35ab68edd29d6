"""What a person does in a browser, done in headless Chromium."""
