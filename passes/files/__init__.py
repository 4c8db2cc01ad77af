"""Files: what operators hand in and get, checked wholly before anything is done with it.

    products, offers, holidays   YAML that describes what is published
    sheets, rows, spoilt         tables as people save them: CSV and XLSX
    headings                     what the columns of tables may be called
    spots                        tables of spots, read and written
    tables                       rows written as CSV and XLSX

The only part of the domain that knows pydantic, YAML and spreadsheets; it makes drafts and records,
and publishes and stores nothing.
"""
