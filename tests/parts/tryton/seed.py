"""Fills a new database of Tryton with what orders need, and prints the ids that tests ask for as JSON.

usage: seed.py CONFIG

A company in EUR, its accounts, a tax of 19 % and this year's fiscal year; Germany and France; goods in stock, some of them
taxed, one that is never there; the services that shipping, fees and discounts are sold as; and a user for the hub, who has the
rights that the integration's files name and no others, with a key for the REST API.
"""
import json
import sys
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

GOODS = [  # code, name, list price, on hand, taxed
    ('MUG-BLUE', "Mug, blue", '12.50', 100000, False),
    ('MUG-RED', "Mug, red", '12.50', 100000, False),
    ('TEE-M', "T-shirt, M", '19.99', 100000, False),
    ('KETTLE', "Kettle", '42.01', 100000, True),
    ('SOLD-OUT', "Never in stock", '99.00', 0, False),
]
SERVICES = [('SHIPPING', "Shipping", True), ('FEES', "Fees", False), ('DISCOUNT', "Discount", False)]
# The secret that tests and twins share (tests/src/settings.rs).
HUB_KEY, STAFF_KEY = 'test-secret', 'staff-secret'
GROUPS = ["Sales", "Stock", "Party Administration"]


def accounting():
    create_company(currency='EUR')
    company = get_company()
    create_chart(company)
    accounts = get_accounts(company)
    fiscalyear = set_fiscalyear_invoice_sequences(create_fiscalyear(company))
    fiscalyear.save()
    fiscalyear.click('create_period')
    create_payment_term().save()
    tax = create_tax(Decimal('.19'))
    tax.save()
    return company, accounts, tax


def category(name, accounts, taxes):
    made = Model.get('product.category')(name=name, accounting=True)
    made.account_expense = accounts['expense']
    made.account_revenue = accounts['revenue']
    made.customer_taxes.extend(taxes)
    made.save()
    return made


def products(accounts, tax):
    # A tax record serves one list only.
    taxed = category("Taxed", accounts, [Model.get('account.tax')(tax.id)])
    untaxed = category("Untaxed", accounts, [])
    unit, = Model.get('product.uom').find([('symbol', '=', 'u')])
    storage, = Model.get('stock.location').find([('code', '=', 'STO')])
    inventory = Model.get('stock.inventory')(location=storage)

    def product(code, name, price, is_taxed, kind):
        template = Model.get('product.template')(
            name=name, default_uom=unit, type=kind, salable=True,
            list_price=Decimal(price), account_category=taxed if is_taxed else untaxed)
        made, = template.products
        made.suffix_code = code
        template.save()
        return template.products[0]

    for code, name, price, quantity, is_taxed in GOODS:
        made = product(code, name, price, is_taxed, 'goods')
        if quantity:
            inventory.lines.new(product=made).quantity = quantity
    for code, name, is_taxed in SERVICES:
        product(code, name, '0', is_taxed, 'service')
    inventory.click('confirm')


def user(login, key, groups, company):
    made = Model.get('res.user')(name=login, login=login)
    made.groups.extend(Model.get('res.group').find([('name', 'in', groups)]))
    made.companies.append(type(company)(company.id))
    made.company = company
    made.save()
    Model.get('res.user.application')(user=made, application='rest', key=key, state='validated').save()


def main(config_file):
    config.set_trytond('sqlite:///hub', config_file=config_file)
    company, accounts, tax = accounting()
    Country = Model.get('country.country')
    for code, code3, name in [('DE', 'DEU', "Germany"), ('FR', 'FRA', "France")]:
        Country(code=code, code3=code3, name=name).save()
    germany, = Country.find([('code', '=', 'DE')])
    Model.get('country.subdivision')(country=germany, code='DE-BE', name="Berlin", type='state').save()
    products(accounts, tax)
    walk_in = Model.get('party.party')(name="Walk-in customer")
    walk_in.save()
    user('orderhub', HUB_KEY, GROUPS, company)
    user('staff', STAFF_KEY, GROUPS + ["Accounting", "Stock Administration"], company)
    warehouse, = Model.get('stock.location').find([('type', '=', 'warehouse')])
    print(json.dumps({'company': company.id, 'warehouse': warehouse.id, 'customer': walk_in.id}))


if __name__ == '__main__':
    main(*sys.argv[1:])
