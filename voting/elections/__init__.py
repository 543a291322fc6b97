"""What is voted on, by whom it is run, and who may sign: the definition that the manifest is made from."""
