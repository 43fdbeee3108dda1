"""What operations cost, from a thousand subtasks to ten million, and from one operator to ten thousand."""
