"""The rules: who may do what, how often one may try, and what a password must be."""
