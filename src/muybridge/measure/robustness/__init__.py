"""What is left under perturbations, what they show instead, and models as units."""
