"""The commands, loaded one by one as they are called."""
