"""What goes wrong, or is done on purpose: other accounts, damaged files, full disks, odd
environments. Nothing of it may harm the rest."""
