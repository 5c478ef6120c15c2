"""How sure: intervals, placebos, sensitivity, many looks and questions."""
