"""times.json: what datetime.strftime of Python 3.11 on Linux writes, by moment and format.

TZ=UTC python times.py
"""
import datetime
import json
import os

MOMENTS = [[2024, 7, 4, 9, 5, 3], [2024, 12, 25, 0, 0, 0], [2025, 12, 29, 13, 59, 59], [2027, 1, 3, 12, 30, 9], [2023, 1, 1, 23, 0, 7]]
LETTERS = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYQ%iJ"
PREFIXES = ["", "-", "_", "0", "^", "#", "10", "-10", "_10", "010", "E", "O", "-_", "^10", "#_5", "5E", "3", "1"]
formats = ["%" + prefix + letter for letter in LETTERS for prefix in PREFIXES]
formats += ["%z", "%Z", "%f", "%%Z", "100%% sure", "%d. %B %Y, %H:%M Uhr", "%Y年%m月%d日", "", "%-", "a%E", "%"]
out = []
for moment in MOMENTS:
    date = datetime.datetime(*moment)
    for format in formats:
        try:
            out.append(date.strftime(format))
        except ValueError as error:
            out.append({"error": str(error)})
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "times.json"), "w") as f:
    json.dump({"moments": MOMENTS, "formats": formats, "texts": out}, f, ensure_ascii=False)
