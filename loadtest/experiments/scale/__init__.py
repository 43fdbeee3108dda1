"""What an operation costs as a task, or the number of its operators, grows."""
