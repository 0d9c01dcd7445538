"""Where a piece of data lives, from the declarations: for governance's door and for operators."""
