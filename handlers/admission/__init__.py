"""Gates: enrolling, scanning, look-up."""
