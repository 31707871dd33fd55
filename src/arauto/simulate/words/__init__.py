"""What is said of simulations, in each language: a file for each."""
