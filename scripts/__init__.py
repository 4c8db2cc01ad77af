"""The commands of operators: `python -m scripts NOUN VERB …`, each a thin front over the domain."""
