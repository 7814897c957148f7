import { Paper, Table } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from '~/components/ListTable.module.css';

interface ListTableProps {
  /** The columns' titles; one to the right is written `{ right: title }`. */
  heads: (string | { right: string })[];
  framed?: boolean;
  children: ReactNode;
}

/** A list with its columns; where they have no room, each row puts them below its first cell, so none is cut off. */
export function ListTable({ heads, framed = true, children }: ListTableProps) {
  const table = (
    <Table className={classes.table}>
      <Table.Thead>
        <Table.Tr>
          {heads.map((head) =>
            typeof head === 'string' ? (
              <Table.Th key={head}>{head}</Table.Th>
            ) : (
              <Table.Th key={head.right} ta="right">
                {head.right}
              </Table.Th>
            ),
          )}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>{children}</Table.Tbody>
    </Table>
  );
  return framed ? <Paper p={0}>{table}</Paper> : table;
}
