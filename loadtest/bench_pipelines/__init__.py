"""What pipelines cost beside plain OpenCV, and what a second worker gives."""
