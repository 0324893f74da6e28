"""Reports and check-ins out of a CSV file: from paper forms, a spreadsheet, or another system.

:mod:`producers.csv_import.rows` reads and checks (pure), :mod:`producers.csv_import.shell` sends.
"""
