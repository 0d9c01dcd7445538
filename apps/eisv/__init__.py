"""The series of the paper: read from every place that keeps them, told apart, counted, drawn."""
