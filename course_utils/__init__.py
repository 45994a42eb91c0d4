"""Tools of the course *Optimization in Deep Learning*: one module for each thing, read top to bottom."""
