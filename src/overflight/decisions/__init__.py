"""Decisions on service policy under dual control, on a record that cannot be rewritten unseen.

Pure logic below (canonical entries, signed notes, the Merkle tree, people, rules, the machine of states), storage and files at the edge.
"""
