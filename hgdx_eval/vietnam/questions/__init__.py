"""What is asked of dossiers and fees besides the effect: cost, payment, tasks, gaps."""
