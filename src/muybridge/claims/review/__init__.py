"""Reviews of claims: questions, rubrics, reviewers."""
