compare_spaces = None
