"""The sample company's workflows: each module yields the calls of one team's services."""
