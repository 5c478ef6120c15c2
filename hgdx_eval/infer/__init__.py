"""How sure: intervals, placebos, sensitivity, many looks and many questions."""
