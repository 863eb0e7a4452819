"""What is found out about machine, installation, workspace and runs. Nothing here writes."""
