"""A monthly budget: an e-mail at 80 % spent, and one as soon as the forecast passes it."""

from aws_cdk import Environment, Stack
from aws_cdk import aws_budgets as budgets
from constructs import Construct

ACTUAL_PERCENT = 80
FORECAST_PERCENT = 100


class BudgetStack(Stack):
    """Watches what the whole account costs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: str,
        monthly_usd: int,
        email: str,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        budget = budgets.CfnBudget
        subscriber = budget.SubscriberProperty(address=email, subscription_type="EMAIL")
        notices = [
            budget.NotificationWithSubscribersProperty(
                notification=budget.NotificationProperty(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[subscriber],
            )
            for kind, percent in (("ACTUAL", ACTUAL_PERCENT), ("FORECASTED", FORECAST_PERCENT))
        ]
        budget(
            self,
            "Monthly",
            budget=budget.BudgetDataProperty(
                budget_name=f"ganymede-{environment}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budget.SpendProperty(amount=monthly_usd, unit="USD"),
            ),
            notifications_with_subscribers=notices,
        )
