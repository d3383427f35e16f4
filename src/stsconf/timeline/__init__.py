"""A recording as questions: facts, histories, and what promises ask of them."""
