"""System D's experiment: how many users so many small pods of the detector serve without one failure."""
