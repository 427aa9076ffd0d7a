"""Many runs from one file: what is missing is run, and one table comes out."""
