"""A second implementation of the repository format, to test the first one against.

Written from the format document alone; it shares neither code nor author with the Swift sources. It favours
being obviously right over being fast, and checks everything that the document lets a reader check.
"""
